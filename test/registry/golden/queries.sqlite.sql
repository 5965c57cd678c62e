-- accept a document
begin;
update "registry_state" set "version" = "version" + ? where "id" = ? returning "version", "log_size" as "logSize", "swept_at" as "sweptAt";
select "id", "sha256" from "documents" where "sha256" in (?);
with wanted (identifier, email) as (values (?, ?)) select w.identifier, w.email, ( select d.created from documents d where d.identifier = w.identifier and d.email = w.email order by d.created desc limit 1 ) as created from wanted w;
select * from "endorser_uploads" where "email" in (?);
insert into "log_leaves" ("seq", "leaf", "address", "detail") values (?, ?, ?, ?);
insert into "log_nodes" ("height", "position", "hash") values (?, ?, ?);
insert into "documents" ("id", "sha256", "identifier", "email", "created", "accepted_at", "bytes") values (?, ?, ?, ?, ?, ?, ?);
select "id", "facets" as "text" from "entry_classes" where "facets" in (?);
select "id", "digest" as "text" from "signings" where "digest" in (?);
with wanted (identifier, email) as (values (?, ?)) select e.id, e.identifier, e.email, e.class_id, e.status from wanted w cross join entries e where e.identifier = w.identifier and e.email = w.email and e.replaced_by is null;
insert into "entry_classes" ("id", "facets", "valid_count", "expired_count", "deprecated_count", "all_count", "version") values (?, ?, ?, ?, ?, ?, ?);
insert into "signings" ("id", "digest", "signer", "steps") values (?, ?, ?, ?);
insert into "entries" ("id", "identifier", "email", "created", "status", "replaced_by", "valid_until", "class_id", "tag", "title_key") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
insert into "entry_details" ("id", "sha256", "accepted_at", "weak", "metadata", "signing_id") values (?, ?, ?, ?, ?, ?);
insert into entry_words (rowid, words) values (?, ?);
with change (id, valid, expired, deprecated, total) as (values (cast(? as bigint), cast(? as bigint), cast(? as bigint), cast(? as bigint), cast(? as bigint))) update entry_classes set version = ?, valid_count = valid_count + change.valid, expired_count = expired_count + change.expired, deprecated_count = deprecated_count + change.deprecated, all_count = all_count + change.total from change where entry_classes.id = change.id;
select * from "endorsers" where "email" in (?);
insert into "endorsers" ("email", "subject", "issuer", "fingerprint", "first_created", "last_created", "entries", "images") values (?, ?, ?, ?, ?, ?, ?, ?) on conflict ("email") do update set "subject" = "excluded"."subject", "issuer" = "excluded"."issuer", "fingerprint" = "excluded"."fingerprint", "first_created" = "excluded"."first_created", "last_created" = "excluded"."last_created", "entries" = "excluded"."entries", "images" = "excluded"."images";
update "registry_state" set "log_size" = ? where "id" = ?;
commit;

-- accept a newer one
begin;
update "registry_state" set "version" = "version" + ? where "id" = ? returning "version", "log_size" as "logSize", "swept_at" as "sweptAt";
select "id", "sha256" from "documents" where "sha256" in (?);
with wanted (identifier, email) as (values (?, ?)) select w.identifier, w.email, ( select d.created from documents d where d.identifier = w.identifier and d.email = w.email order by d.created desc limit 1 ) as created from wanted w;
select * from "endorser_uploads" where "email" in (?);
insert into "log_leaves" ("seq", "leaf", "address", "detail") values (?, ?, ?, ?);
select "hash" from "log_nodes" where "height" = ? and "position" = ?;
insert into "log_nodes" ("height", "position", "hash") values (?, ?, ?), (?, ?, ?);
insert into "documents" ("id", "sha256", "identifier", "email", "created", "accepted_at", "bytes") values (?, ?, ?, ?, ?, ?, ?);
select "id", "facets" as "text" from "entry_classes" where "facets" in (?);
select "id", "digest" as "text" from "signings" where "digest" in (?);
with wanted (identifier, email) as (values (?, ?)) select e.id, e.identifier, e.email, e.class_id, e.status from wanted w cross join entries e where e.identifier = w.identifier and e.email = w.email and e.replaced_by is null;
insert into "entries" ("id", "identifier", "email", "created", "status", "replaced_by", "valid_until", "class_id", "tag", "title_key") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
insert into "entry_details" ("id", "sha256", "accepted_at", "weak", "metadata", "signing_id") values (?, ?, ?, ?, ?, ?);
insert into entry_words (rowid, words) values (?, ?);
with newer (replaced, id) as (values (cast(? as bigint), cast(? as bigint))) update entries set replaced_by = newer.id from newer where entries.id = newer.replaced;
with change (id, valid, expired, deprecated, total) as (values (cast(? as bigint), cast(? as bigint), cast(? as bigint), cast(? as bigint), cast(? as bigint))) update entry_classes set version = ?, valid_count = valid_count + change.valid, expired_count = expired_count + change.expired, deprecated_count = deprecated_count + change.deprecated, all_count = all_count + change.total from change where entry_classes.id = change.id;
select * from "endorsers" where "email" in (?);
insert into "endorsers" ("email", "subject", "issuer", "fingerprint", "first_created", "last_created", "entries", "images") values (?, ?, ?, ?, ?, ?, ?, ?) on conflict ("email") do update set "subject" = "excluded"."subject", "issuer" = "excluded"."issuer", "fingerprint" = "excluded"."fingerprint", "first_created" = "excluded"."first_created", "last_created" = "excluded"."last_created", "entries" = "excluded"."entries", "images" = "excluded"."images";
update "registry_state" set "log_size" = ? where "id" = ?;
commit;

-- the same bytes again
begin;
update "registry_state" set "version" = "version" + ? where "id" = ? returning "version", "log_size" as "logSize", "swept_at" as "sweptAt";
select "id", "sha256" from "documents" where "sha256" in (?);
with wanted (identifier, email) as (values (?, ?)) select w.identifier, w.email, ( select d.created from documents d where d.identifier = w.identifier and d.email = w.email order by d.created desc limit 1 ) as created from wanted w;
select * from "endorser_uploads" where "email" in (?);
commit;
select "e"."id", "e"."identifier", "e"."email", "e"."created", "e"."replaced_by", "d"."sha256", "d"."accepted_at", "d"."weak", "d"."metadata", "s"."signer", "s"."steps" from "entries" as "e" inner join "entry_details" as "d" on "d"."id" = "e"."id" inner join "signings" as "s" on "s"."id" = "d"."signing_id" where "e"."id" = ?;

-- refuse a document
begin;
update "registry_state" set "version" = "version" + ? where "id" = ? returning "version", "log_size" as "logSize", "swept_at" as "sweptAt";
insert into "log_leaves" ("seq", "leaf", "address", "detail") values (?, ?, ?, ?);
insert into "log_nodes" ("height", "position", "hash") values (?, ?, ?);
update "registry_state" set "log_size" = ? where "id" = ?;
commit;

-- first page
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = ?;
select "valid_until" from "entries" where "valid_until" > ? order by "valid_until" limit ?;
select * from "entry_classes" where "version" > ?;
select page.value, (select version from registry_state where id = 1) as version, e.id, e.identifier, e.email, e.created, e.replaced_by, d.sha256, d.accepted_at, d.weak, d.metadata, s.signer, s.steps from (select id, value from (select "e"."id", "e"."created" as "value" from "entries" as "e" where "e"."id" < ? and e.status = ? and "e"."replaced_by" is null order by "e"."created" desc, "e"."id" desc limit ?) as walked) as page join entries e on e.id = page.id join entry_details d on d.id = page.id join signings s on s.id = d.signing_id;
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = ?;

-- by title, with a filter
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = ?;
select page.value, (select version from registry_state where id = 1) as version, e.id, e.identifier, e.email, e.created, e.replaced_by, d.sha256, d.accepted_at, d.weak, d.metadata, s.signer, s.steps from (with fitting as materialized (select "e"."id", "e"."title_key" as "value" from "entries" as "e" where "e"."id" < ? and e.status = ? and "e"."replaced_by" is null and e.class_id in (select value from json_each(?))) select id, value from fitting order by value asc, id asc limit ?) as page join entries e on e.id = page.id join entry_details d on d.id = page.id join signings s on s.id = d.signing_id;
with fitting as materialized (select "e"."id", "e"."title_key" as "value" from "entries" as "e" where "e"."id" < ? and e.status = ? and "e"."replaced_by" is null and e.class_id in (select value from json_each(?))) select id, value from fitting order by value asc, id asc limit ?;
select "id" from "entries" where "replaced_by" >= ? and "id" < ? limit ?;
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = ?;

-- all, with history
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = ?;
select page.value, (select version from registry_state where id = 1) as version, e.id, e.identifier, e.email, e.created, e.replaced_by, d.sha256, d.accepted_at, d.weak, d.metadata, s.signer, s.steps from (select id, value from (select "e"."id", "e"."created" as "value" from "entries" as "e" where "e"."id" < ? order by "e"."created" desc, "e"."id" desc limit ?) as walked) as page join entries e on e.id = page.id join entry_details d on d.id = page.id join signings s on s.id = d.signing_id;
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = ?;

-- words
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = ?;
select class_id, count(*) as count from (with matching as materialized (select rowid as id from entry_words where entry_words match ? and true order by rowid desc limit ?) select m.id, e.class_id from matching m left join entries e on e.id = m.id and e.replaced_by is null and (e.status || '') = ?) as counted group by class_id;
select page.value, (select version from registry_state where id = 1) as version, e.id, e.identifier, e.email, e.created, e.replaced_by, d.sha256, d.accepted_at, d.weak, d.metadata, s.signer, s.steps from (with fitting as materialized (select "e"."id", "e"."created" as "value" from "entries" as "e" where "e"."id" < ? and (e.status || '') = ? and "e"."replaced_by" is null and "e"."id" in (select id from (select rowid as id from entry_words where entry_words match ? and true order by rowid desc limit ?) as matching)) select id, value from fitting order by value desc, id desc limit ?) as page join entries e on e.id = page.id join entry_details d on d.id = page.id join signings s on s.id = d.signing_id;
with fitting as materialized (select "e"."id", "e"."created" as "value" from "entries" as "e" where "e"."id" < ? and (e.status || '') = ? and "e"."replaced_by" is null and "e"."id" in (select id from (select rowid as id from entry_words where entry_words match ? and true order by rowid desc limit ?) as matching)) select id, value from fitting order by value desc, id desc limit ?;
select "id" from "entries" where "replaced_by" >= ? and "id" < ? limit ?;
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = ?;

-- an endorser
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = ?;
select class_id, count(*) as count from (select e.id, e.class_id from entries e where "e"."email" = ? and e.replaced_by is null and (e.status || '') = ? limit ?) as counted group by class_id;
select page.value, (select version from registry_state where id = 1) as version, e.id, e.identifier, e.email, e.created, e.replaced_by, d.sha256, d.accepted_at, d.weak, d.metadata, s.signer, s.steps from (select id, value from (select "e"."id", "e"."created" as "value" from "entries" as "e" where "e"."id" < ? and (e.status || '') = ? and "e"."replaced_by" is null and "e"."email" = ? order by "e"."created" desc, "e"."id" desc limit ?) as walked) as page join entries e on e.id = page.id join entry_details d on d.id = page.id join signings s on s.id = d.signing_id;
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = ?;

-- history of an image
select "e"."id", "e"."identifier", "e"."email", "e"."created", "e"."replaced_by", "d"."sha256", "d"."accepted_at", "d"."weak", "d"."metadata", "s"."signer", "s"."steps" from "entries" as "e" inner join "entry_details" as "d" on "d"."id" = "e"."id" inner join "signings" as "s" on "s"."id" = "d"."signing_id" where "e"."identifier" = ? and "e"."email" = ? order by "e"."created" desc limit ?;

-- titles of images
select "e"."identifier", "d"."metadata" from "entries" as "e" inner join "entry_details" as "d" on "d"."id" = "e"."id" where "e"."identifier" in (?, ?) and "e"."replaced_by" is null order by "e"."created";

-- by tag
select "e"."id", "e"."identifier", "e"."email", "e"."created", "e"."replaced_by", "d"."sha256", "d"."accepted_at", "d"."weak", "d"."metadata", "s"."signer", "s"."steps" from "entries" as "e" inner join "entry_details" as "d" on "d"."id" = "e"."id" inner join "signings" as "s" on "s"."id" = "d"."signing_id" where "e"."email" = ? and "e"."tag" = ? and "e"."replaced_by" is null and "e"."status" != ? and ("e"."valid_until" is null or "e"."valid_until" > ?) order by "e"."created" desc, "e"."id" desc limit ?;

-- endorsers
select "email", "subject", "issuer", "fingerprint", "entries", "images", "first_created" as "firstCreated", "last_created" as "lastCreated" from "endorsers" where "email" > ? order by "email" limit ?;
select count(*) as "total" from "endorsers";

-- one endorser
select "email", "subject", "issuer", "fingerprint", "entries", "images", "first_created" as "firstCreated", "last_created" as "lastCreated" from "endorsers" where "email" = ?;
select "tag", "identifier", "created" from "entries" where "email" = ? and "tag" is not null and "replaced_by" is null and "status" = ? order by "created" desc limit ?;

-- reindex
begin;
update "registry_state" set "version" = "version" + ? where "id" = ? returning "version", "log_size" as "logSize", "swept_at" as "sweptAt";
delete from "log_nodes";
select "leaf" from "log_leaves" where "seq" >= ? order by "seq" limit ?;
insert into "log_nodes" ("height", "position", "hash") values (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?);
delete from entry_words;
delete from "entry_details";
delete from "entries";
delete from "signings";
delete from "endorsers";
update "entry_classes" set "valid_count" = ?, "expired_count" = ?, "deprecated_count" = ?, "all_count" = ?, "version" = ?;
select * from "documents" where "id" > ? order by "id" limit ?;
select "id", "facets" as "text" from "entry_classes" where "facets" in (?);
select "id", "digest" as "text" from "signings" where "digest" in (?);
with wanted (identifier, email) as (values (?, ?)) select e.id, e.identifier, e.email, e.class_id, e.status from wanted w cross join entries e where e.identifier = w.identifier and e.email = w.email and e.replaced_by is null;
insert into "signings" ("id", "digest", "signer", "steps") values (?, ?, ?, ?);
insert into "entries" ("id", "identifier", "email", "created", "status", "replaced_by", "valid_until", "class_id", "tag", "title_key") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
insert into "entry_details" ("id", "sha256", "accepted_at", "weak", "metadata", "signing_id") values (?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?);
insert into entry_words (rowid, words) values (?, ?), (?, ?);
with newer (replaced, id) as (values (cast(? as bigint), cast(? as bigint))) update entries set replaced_by = newer.id from newer where entries.id = newer.replaced;
with change (id, valid, expired, deprecated, total) as (values (cast(? as bigint), cast(? as bigint), cast(? as bigint), cast(? as bigint), cast(? as bigint))) update entry_classes set version = ?, valid_count = valid_count + change.valid, expired_count = expired_count + change.expired, deprecated_count = deprecated_count + change.deprecated, all_count = all_count + change.total from change where entry_classes.id = change.id;
select * from "endorsers" where "email" in (?);
insert into "endorsers" ("email", "subject", "issuer", "fingerprint", "first_created", "last_created", "entries", "images") values (?, ?, ?, ?, ?, ?, ?, ?) on conflict ("email") do update set "subject" = "excluded"."subject", "issuer" = "excluded"."issuer", "fingerprint" = "excluded"."fingerprint", "first_created" = "excluded"."first_created", "last_created" = "excluded"."last_created", "entries" = "excluded"."entries", "images" = "excluded"."images";
commit;

-- next page
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = ?;
select "valid_until" from "entries" where "valid_until" > ? order by "valid_until" limit ?;
select * from "entry_classes" where "version" > ?;
select id, value from (select "e"."id", "e"."created" as "value" from "entries" as "e" where "e"."id" < ? and e.status = ? and "e"."replaced_by" is null and ("e"."created", e.id) < (?, ?) order by "e"."created" desc, "e"."id" desc limit ?) as walked;
select "id" from "entries" where "replaced_by" >= ? and "id" < ? limit ?;
with fitting as materialized (select "e"."id", "e"."created" as "value" from "entries" as "e" where "e"."id" < ? and e.status = ? and "e"."replaced_by" >= ? and ("e"."created", e.id) < (?, ?)) select id, value from fitting order by value desc, id desc limit ?;
select "e"."id", "e"."identifier", "e"."email", "e"."created", "e"."replaced_by", "d"."sha256", "d"."accepted_at", "d"."weak", "d"."metadata", "s"."signer", "s"."steps" from "entries" as "e" inner join "entry_details" as "d" on "d"."id" = "e"."id" inner join "signings" as "s" on "s"."id" = "d"."signing_id" where "e"."id" in (?);
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = ?;
