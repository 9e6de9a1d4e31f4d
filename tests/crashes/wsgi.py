"""The product's WSGI application, in a process that can be killed at named points."""

from config.wsgi import application as product
from tests.crashes import points

application = points.install(product)
