"""What deploy/ says, as plain data: for tests of it, and for those that carry it out."""

from pathlib import Path

SOURCE = Path(__file__).resolve().parents[3]
DEPLOY = SOURCE / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
