"""Load: the five tests of the design, and what grows from them. `python -m tests.load --help`; docs/guides/load-testing.md.

shapes.py     the tests as data: users, weights, think times, ramps, limits; profiles
pace.py       when each request is due, whatever became of the others
recorder.py   what was offered, sent, answered, lost, and how long it took
wire.py       HTTP on one connection; `sockets.py` the same for WebSockets
api.py websocket.py database.py cache.py   one test each (api.py: those that ask over HTTP)
machine.py    what the machine and the services used meanwhile
verdict.py    measured against wanted, and what follows from it
report.py plots.py page.css                the page, the JSON file, the lines
"""
