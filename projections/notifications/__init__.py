"""One row a contact and topic of recurring notifications (FB 定期通知 and the like)."""
