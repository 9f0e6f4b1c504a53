"""Validation of request bodies by Discord's rules: each module takes parsed JSON and adds errors to a `FormValidator`.

The modules never access the world.
"""
