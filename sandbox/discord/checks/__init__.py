"""What Discord's forms demand: each module takes parsed JSON and says which faults it has.

The faults are gathered in a `Form`, which speaks Discord's error form. Nothing here knows the world.
"""
