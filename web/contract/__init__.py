"""The REST API as data: what can be asked, and every answer, declared once.

`operations.OPERATIONS` is the one list. The models in it are those that the views validate requests
with, and those that real answers are held against in `tests/contract`; `document.py` makes
`/openapi.json` of it. To add an operation: write its models into the module of its subject, declare it
there, and add the route. A test compares the list with the routes, both ways.
"""
