"""A run's models behind OpenAI's chat completions, through a server that exists: transformers' own, or vLLM's.

``models.py`` lays out each contender as a folder that any server loads as it was evaluated. ``servers.py`` has the
command lines of the two servers. ``running.py`` starts one, waits until it answers, and ends it; ``asking.py`` says how
it is asked.
"""
