"""The untrusted model's room: a worker process loads it and answers Arrow frames over pipes.

Import from the modules (`gate.scoring.session`, `.inputs`, `.answers`, `.score`): this file stays empty,
because the worker process imports it too.
"""
