SELECT has_table_privilege(session_user, 'facts', 'UPDATE')
