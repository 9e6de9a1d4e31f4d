-- Run once, by the image's entrypoint, when the volume is new: the application's own account, which is no superuser.
\getenv password DATABASE_PASSWORD
CREATE ROLE sightline LOGIN PASSWORD :'password';
CREATE DATABASE sightline OWNER sightline;
REVOKE CONNECT ON DATABASE sightline FROM PUBLIC;
