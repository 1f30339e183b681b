"""What a job is and how it moves: settings, tables, transitions, shard storage and the bell contract."""
