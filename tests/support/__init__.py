"""What tests share: servers, strategies, reference models and builders of events."""
