"""Route 53's data plane: zones, routing policies, health checks and the name server.

Pure where it can be: ``routing``, ``answers`` and ``health`` decide, the rest asks and sends.
"""
