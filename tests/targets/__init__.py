"""Tests of the rooms' hands: processes, workspaces, masking, HTTP, PostgreSQL, Kubernetes."""
