"""What would stop a deployment, found before a resource is created."""
