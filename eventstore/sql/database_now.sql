SELECT jurnalsync_clock()
