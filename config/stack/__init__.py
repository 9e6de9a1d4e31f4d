"""The embedded stack: everything `make run` and `make demo` start on a machine that has only Python, make and git.

    lock -> leftovers -> secrets -> PostgreSQL, Redis -> migrate -> Procfile -> /healthz -> demonstrate -> stay or stop

``launcher`` walks that line and is the only file that knows it; each other file knows one thing and no order.
Processes are kept by supervisord, one for the engines and one for the Procfile (``supervising``).
PostgreSQL and Redis come out of wheels, listen on unix sockets only, and are left out when DATABASE_URL or REDIS_URL is
given. Nothing here is imported by the application: it speaks to the stack through its environment alone.
"""
