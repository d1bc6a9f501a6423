"""Keys whose creator or organization goes: members who leave, deleted organizations, deleted accounts."""
