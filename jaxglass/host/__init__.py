"""What runs on the host: progress, compiled programs, whole files, identities and archives."""
