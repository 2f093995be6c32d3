"""SageMaker as a platform, against the emulator."""
