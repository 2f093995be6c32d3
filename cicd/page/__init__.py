"""A page in the browser: what the stages of a project are, and what became of their runs.

``reading`` asks the stages through ``cicd.automation``, ``known`` does so in the background and
keeps what was found, ``views`` and its neighbours make of it what the templates in ``pages`` show.
``access`` says who may come in, ``guard`` holds it for every request, ``routes`` is all there is to
ask for, ``server`` listens. Nothing here changes anything on a platform.
"""
