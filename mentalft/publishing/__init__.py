"""What was measured, put on a hub: an adapter or a proven export, with its model card, and nothing else.

``contents.py`` says which files may go and gives them the base model's public name; ``checks.py`` looks for what must
not go with them; ``hubs.py`` has the two hubs behind one signature; ``publishing.py`` shows, asks and sends.
"""
