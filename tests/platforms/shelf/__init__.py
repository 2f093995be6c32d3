"""A platform of runs, content and services in a folder, for tests: what a new platform is made of.

One folder and one line in ``cicd.platforms.registry``; nothing in ``cicd`` knows of it.
"""
