"""The device side of the cloud: server block, keys and handshake (device-protocol.md 4.2, 4.3, 10.1).

Written from the specification alone, with its own arithmetic; the program's server side is `app.protocols.handshake`.
"""
