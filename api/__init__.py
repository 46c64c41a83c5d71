"""The HTTP face: it translates, and decides nothing.

    server.py     the HTTP server: uvicorn as we set it up
    protocol.py   its protocol: hot POSTs answered without ASGI; wire.py: their responses
    door.py       the ASGI app in front: takes the hot POSTs itself, hands everything else to Litestar
    app.py        builds the Litestar app and the door from one table of operations
    operate.py    what every request goes through: credentials, body, operation, errors
    routes.py     the table: method and path -> operation
    v1/           the operations, one module a resource; each is a function from a Call to an Answer
    call.py       Call: one request; answer.py: one response
    forms.py      typed access to the parameters of a request
    bodies.py     request bodies: limits, encodings
    urls.py       which callback URLs are accepted
    render.py     what all resources share in JSON
    paging.py     lists
    errors.py     one table from engine errors to statuses and codes
    auth.py       HTTP Basic

Arrows point one way: api imports engine, never the other way round. No operation touches Redis.
"""
