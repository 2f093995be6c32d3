"""The scenarios that the platform itself brings along: ``foundation-models``, ``orchestration``.

::

    catalogue     which models there are, in which versions; those of models.json unless told others
    executables   the scenarios' executables, as if they came from Git
    deployed      what a deployment is of; runner deploys it
    models        who answers a request to one of them: openai, vendors, each in its own shape
    orchestration what is asked of several; answers is what all of them get and give
    echo          what every model says

Nothing here starts a process or leaves this machine: every answer is a pure function of the request
and the model.
"""
