"""What was measured, as something to deploy; and the proof that it is the same.

``source.py`` reads from a run what is exported and what was evaluated. A :class:`~mentalft.export.forms.Form` makes a
folder of it (``merged.py``: ``merged`` and ``adapter``), loads that folder afresh, and knows which causes it can fail for
(``causes.py``). ``proof.py`` asks the model that was evaluated and the one that was loaded the same prompts and holds
their tokens, logits and answers against each other. ``making.py`` puts the parts together: a folder is made in a working
place, proven, given its ``export.json`` (``record.py``), and takes its name only then.

An export lies in ``RUN/exports/FORM/`` (``FORM-NAME`` of another contender than ``tuned``), or where ``--out`` says; one that
failed its proof in ``RUN/exports/FORM.failed/``.
"""
