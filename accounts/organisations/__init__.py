"""Shared organizations: members, roles and invitations, and their pages."""
