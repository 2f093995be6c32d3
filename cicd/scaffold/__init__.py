"""What ``cicd init`` writes: a folder for each platform."""
