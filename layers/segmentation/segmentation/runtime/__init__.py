"""What every Lambda environment needs: settings, secrets, timeouts, retries, the log and its metrics."""
