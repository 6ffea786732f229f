"""Runs localstripe, a server that speaks Stripe's API, on a loopback port and in memory alone.

Its own program listens on every address, and keeps what it knows in a file that all users share.
"""

import sys

from aiohttp import web
from localstripe.resources import Store
from localstripe.server import app

Store.dump_to_disk = lambda self: None
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
