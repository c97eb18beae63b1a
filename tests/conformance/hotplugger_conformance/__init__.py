"""What the checks of tests/conformance share."""
