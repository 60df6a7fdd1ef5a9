"""One file a version, with its statements in the SQL file of the same name. What has been released is never edited."""
