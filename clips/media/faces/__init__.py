"""Covering the faces in a clip: where they are is found in one run, and what is made in the next shows none.

``weights`` is the network as it ships; ``detector`` asks it about one picture, ``looking`` about as little of the next
as has changed; ``cover`` makes of what it said about a few pictures a second what is to be covered in each; ``finder``
is the enclosed process that does all this, and ``finding`` starts it.
"""
