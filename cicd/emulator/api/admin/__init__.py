"""``/v2/admin``, logging in, the Destination API and ``/emulator``: what administrators use."""
