"""The words that edge and cloud share: events, envelope, topics, codec."""
