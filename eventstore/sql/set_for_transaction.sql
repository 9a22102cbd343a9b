SELECT set_config(key, value, true) FROM json_each_text(:settings)
