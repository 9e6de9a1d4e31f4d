"""A rig that breaks a running stack on purpose while scripted reviewers work, and keeps account of the outcome.

``points`` are the places at which a web process kills itself, ``proxy`` loses replies on their way, ``faults`` does the
rest; ``reviewers`` work and write down what they were told, ``accounts`` compares that with the database.
"""
