"""What was measured, as something to deploy; and the proof that it is the same.

``source.py`` reads from a run what is exported and what was evaluated. A :class:`~mentalft.export.forms.Form` makes a
folder of it (``merged.py``, ``adapter.py``), loads that folder afresh, and looks at its files; ``folder.py`` writes
what all forms have beside their weights. ``proof.py`` asks the evaluated model and the loaded one (``loaded.py``) the
same and holds tokens, logits and answers against each other; ``weights.py`` holds tensors against each other, and
``causes.py`` says which of the known causes a difference has. ``making.py`` puts the parts together: a folder is made
in a working place, proven, given its ``export.json`` (``record.py``), and takes its name only then.

An export lies in ``RUN/exports/FORM/`` (``FORM-NAME`` of another contender than ``tuned``), or where ``--out`` says;
what failed its proof lies in ``RUN/exports/FORM.failed/``.
"""
