"""Programs that the emulator starts in containers; nothing else imports them."""
