TRUNCATE projection_cursor, projection_state, master_data
