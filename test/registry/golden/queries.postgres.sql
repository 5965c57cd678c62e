-- accept a document
begin;
update "registry_state" set "version" = "version" + $1 where "id" = $2 returning "version", "log_size" as "logSize", "swept_at" as "sweptAt";
select "id", "sha256" from "documents" where "sha256" in ($1);
with wanted (identifier, email) as (values ($1, $2)) select w.identifier, w.email, ( select d.created from documents d where d.identifier = w.identifier and d.email = w.email order by d.created desc limit 1 ) as created from wanted w;
select * from "endorser_uploads" where "email" in ($1);
insert into "log_leaves" ("seq", "leaf", "address", "detail") values ($1, $2, $3, $4);
insert into "log_nodes" ("height", "position", "hash") values ($1, $2, $3);
insert into "documents" ("id", "sha256", "identifier", "email", "created", "accepted_at", "bytes") values ($1, $2, $3, $4, $5, $6, $7);
select "id", "facets" as "text" from "entry_classes" where "facets" in ($1);
select "id", "digest" as "text" from "signings" where "digest" in ($1);
with wanted (identifier, email) as (values ($1, $2)) select e.id, e.identifier, e.email, e.class_id, e.status from wanted w cross join entries e where e.identifier = w.identifier and e.email = w.email and e.replaced_by is null;
insert into "entry_classes" ("id", "facets", "valid_count", "expired_count", "deprecated_count", "all_count", "version") values ($1, $2, $3, $4, $5, $6, $7);
insert into "signings" ("id", "digest", "signer", "steps") values ($1, $2, $3, $4);
insert into "entries" ("id", "identifier", "email", "created", "status", "replaced_by", "valid_until", "class_id", "tag", "title_key") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
insert into "entry_details" ("id", "sha256", "accepted_at", "weak", "metadata", "signing_id") values ($1, $2, $3, $4, $5, $6);
insert into entry_words (id, words) select id, array_to_tsvector(string_to_array(words, ' ')) from unnest($1::bigint[], $2::text[]) as w (id, words);
with change (id, valid, expired, deprecated, total) as (values (cast($1 as bigint), cast($2 as bigint), cast($3 as bigint), cast($4 as bigint), cast($5 as bigint))) update entry_classes set version = $6, valid_count = valid_count + change.valid, expired_count = expired_count + change.expired, deprecated_count = deprecated_count + change.deprecated, all_count = all_count + change.total from change where entry_classes.id = change.id;
select * from "endorsers" where "email" in ($1);
insert into "endorsers" ("email", "subject", "issuer", "fingerprint", "first_created", "last_created", "entries", "images") values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict ("email") do update set "subject" = "excluded"."subject", "issuer" = "excluded"."issuer", "fingerprint" = "excluded"."fingerprint", "first_created" = "excluded"."first_created", "last_created" = "excluded"."last_created", "entries" = "excluded"."entries", "images" = "excluded"."images";
update "registry_state" set "log_size" = $1 where "id" = $2;
commit;

-- accept a newer one
begin;
update "registry_state" set "version" = "version" + $1 where "id" = $2 returning "version", "log_size" as "logSize", "swept_at" as "sweptAt";
select "id", "sha256" from "documents" where "sha256" in ($1);
with wanted (identifier, email) as (values ($1, $2)) select w.identifier, w.email, ( select d.created from documents d where d.identifier = w.identifier and d.email = w.email order by d.created desc limit 1 ) as created from wanted w;
select * from "endorser_uploads" where "email" in ($1);
insert into "log_leaves" ("seq", "leaf", "address", "detail") values ($1, $2, $3, $4);
select "hash" from "log_nodes" where "height" = $1 and "position" = $2;
insert into "log_nodes" ("height", "position", "hash") values ($1, $2, $3), ($4, $5, $6);
insert into "documents" ("id", "sha256", "identifier", "email", "created", "accepted_at", "bytes") values ($1, $2, $3, $4, $5, $6, $7);
select "id", "facets" as "text" from "entry_classes" where "facets" in ($1);
select "id", "digest" as "text" from "signings" where "digest" in ($1);
with wanted (identifier, email) as (values ($1, $2)) select e.id, e.identifier, e.email, e.class_id, e.status from wanted w cross join entries e where e.identifier = w.identifier and e.email = w.email and e.replaced_by is null;
insert into "entries" ("id", "identifier", "email", "created", "status", "replaced_by", "valid_until", "class_id", "tag", "title_key") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
insert into "entry_details" ("id", "sha256", "accepted_at", "weak", "metadata", "signing_id") values ($1, $2, $3, $4, $5, $6);
insert into entry_words (id, words) select id, array_to_tsvector(string_to_array(words, ' ')) from unnest($1::bigint[], $2::text[]) as w (id, words);
with newer (replaced, id) as (values (cast($1 as bigint), cast($2 as bigint))) update entries set replaced_by = newer.id from newer where entries.id = newer.replaced;
with change (id, valid, expired, deprecated, total) as (values (cast($1 as bigint), cast($2 as bigint), cast($3 as bigint), cast($4 as bigint), cast($5 as bigint))) update entry_classes set version = $6, valid_count = valid_count + change.valid, expired_count = expired_count + change.expired, deprecated_count = deprecated_count + change.deprecated, all_count = all_count + change.total from change where entry_classes.id = change.id;
select * from "endorsers" where "email" in ($1);
insert into "endorsers" ("email", "subject", "issuer", "fingerprint", "first_created", "last_created", "entries", "images") values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict ("email") do update set "subject" = "excluded"."subject", "issuer" = "excluded"."issuer", "fingerprint" = "excluded"."fingerprint", "first_created" = "excluded"."first_created", "last_created" = "excluded"."last_created", "entries" = "excluded"."entries", "images" = "excluded"."images";
update "registry_state" set "log_size" = $1 where "id" = $2;
commit;

-- the same bytes again
begin;
update "registry_state" set "version" = "version" + $1 where "id" = $2 returning "version", "log_size" as "logSize", "swept_at" as "sweptAt";
select "id", "sha256" from "documents" where "sha256" in ($1);
with wanted (identifier, email) as (values ($1, $2)) select w.identifier, w.email, ( select d.created from documents d where d.identifier = w.identifier and d.email = w.email order by d.created desc limit 1 ) as created from wanted w;
select * from "endorser_uploads" where "email" in ($1);
commit;
select "e"."id", "e"."identifier", "e"."email", "e"."created", "e"."replaced_by", "d"."sha256", "d"."accepted_at", "d"."weak", "d"."metadata", "s"."signer", "s"."steps" from "entries" as "e" inner join "entry_details" as "d" on "d"."id" = "e"."id" inner join "signings" as "s" on "s"."id" = "d"."signing_id" where "e"."id" = $1;

-- refuse a document
begin;
update "registry_state" set "version" = "version" + $1 where "id" = $2 returning "version", "log_size" as "logSize", "swept_at" as "sweptAt";
insert into "log_leaves" ("seq", "leaf", "address", "detail") values ($1, $2, $3, $4);
insert into "log_nodes" ("height", "position", "hash") values ($1, $2, $3);
update "registry_state" set "log_size" = $1 where "id" = $2;
commit;

-- first page
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = $1;
select "valid_until" from "entries" where "valid_until" > $1 order by "valid_until" limit $2;
select * from "entry_classes" where "version" > $1;
select page.value, (select version from registry_state where id = 1) as version, e.id, e.identifier, e.email, e.created, e.replaced_by, d.sha256, d.accepted_at, d.weak, d.metadata, s.signer, s.steps from (select id, value from (select "e"."id", "e"."created" as "value" from "entries" as "e" where "e"."id" < $1 and e.status = $2 and "e"."replaced_by" is null order by "e"."created" desc, "e"."id" desc limit $3) as walked) as page join entries e on e.id = page.id join entry_details d on d.id = page.id join signings s on s.id = d.signing_id;
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = $1;

-- by title, with a filter
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = $1;
select page.value, (select version from registry_state where id = 1) as version, e.id, e.identifier, e.email, e.created, e.replaced_by, d.sha256, d.accepted_at, d.weak, d.metadata, s.signer, s.steps from (with fitting as materialized (select "e"."id", "e"."title_key" as "value" from "entries" as "e" where "e"."id" < $1 and e.status = $2 and "e"."replaced_by" is null and e.class_id = any($3::bigint[])) select id, value from fitting order by value asc, id asc limit $4) as page join entries e on e.id = page.id join entry_details d on d.id = page.id join signings s on s.id = d.signing_id;
with fitting as materialized (select "e"."id", "e"."title_key" as "value" from "entries" as "e" where "e"."id" < $1 and e.status = $2 and "e"."replaced_by" is null and e.class_id = any($3::bigint[])) select id, value from fitting order by value asc, id asc limit $4;
select "id" from "entries" where "replaced_by" >= $1 and "id" < $2 limit $3;
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = $1;

-- all, with history
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = $1;
select page.value, (select version from registry_state where id = 1) as version, e.id, e.identifier, e.email, e.created, e.replaced_by, d.sha256, d.accepted_at, d.weak, d.metadata, s.signer, s.steps from (select id, value from (select "e"."id", "e"."created" as "value" from "entries" as "e" where "e"."id" < $1 order by "e"."created" desc, "e"."id" desc limit $2) as walked) as page join entries e on e.id = page.id join entry_details d on d.id = page.id join signings s on s.id = d.signing_id;
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = $1;

-- words
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = $1;
select class_id, count(*) as count from (with matching as materialized (with frequent (yes) as materialized (select (select count(*) from (select id, words from entry_words order by id desc limit $1) as w where words @@ $2::tsquery) >= $3), walked as materialized ( select id from (select id, words from entry_words order by id desc limit $4) as w where (select yes from frequent) and words @@ $5::tsquery order by id desc limit $6 ) select id from walked where (select count(*) from walked) = $7 or ((select yes from frequent) and not exists (select 1 from entry_words order by id desc limit 1 offset $8)) union all ( select id from entry_words where not ((select count(*) from walked) = $9 or ((select yes from frequent) and not exists (select 1 from entry_words order by id desc limit 1 offset $10))) and word_beginnings(words) @> $11::text[] and true order by id + 0 desc limit $12 )) select m.id, e.class_id from matching m left join entries e on e.id = m.id and e.replaced_by is null and e.status = $13) as counted group by class_id;
select page.value, (select version from registry_state where id = 1) as version, e.id, e.identifier, e.email, e.created, e.replaced_by, d.sha256, d.accepted_at, d.weak, d.metadata, s.signer, s.steps from (with fitting as materialized (select "e"."id", "e"."created" as "value" from "entries" as "e" where "e"."id" < $1 and e.status = $2 and "e"."replaced_by" is null and "e"."id" in (select id from (with frequent (yes) as materialized (select (select count(*) from (select id, words from entry_words order by id desc limit $3) as w where words @@ $4::tsquery) >= $5), walked as materialized ( select id from (select id, words from entry_words order by id desc limit $6) as w where (select yes from frequent) and words @@ $7::tsquery order by id desc limit $8 ) select id from walked where (select count(*) from walked) = $9 or ((select yes from frequent) and not exists (select 1 from entry_words order by id desc limit 1 offset $10)) union all ( select id from entry_words where not ((select count(*) from walked) = $11 or ((select yes from frequent) and not exists (select 1 from entry_words order by id desc limit 1 offset $12))) and word_beginnings(words) @> $13::text[] and true order by id + 0 desc limit $14 )) as matching)) select id, value from fitting order by value desc, id desc limit $15) as page join entries e on e.id = page.id join entry_details d on d.id = page.id join signings s on s.id = d.signing_id;
with fitting as materialized (select "e"."id", "e"."created" as "value" from "entries" as "e" where "e"."id" < $1 and e.status = $2 and "e"."replaced_by" is null and "e"."id" in (select id from (with frequent (yes) as materialized (select (select count(*) from (select id, words from entry_words order by id desc limit $3) as w where words @@ $4::tsquery) >= $5), walked as materialized ( select id from (select id, words from entry_words order by id desc limit $6) as w where (select yes from frequent) and words @@ $7::tsquery order by id desc limit $8 ) select id from walked where (select count(*) from walked) = $9 or ((select yes from frequent) and not exists (select 1 from entry_words order by id desc limit 1 offset $10)) union all ( select id from entry_words where not ((select count(*) from walked) = $11 or ((select yes from frequent) and not exists (select 1 from entry_words order by id desc limit 1 offset $12))) and word_beginnings(words) @> $13::text[] and true order by id + 0 desc limit $14 )) as matching)) select id, value from fitting order by value desc, id desc limit $15;
select "id" from "entries" where "replaced_by" >= $1 and "id" < $2 limit $3;
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = $1;

-- an endorser
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = $1;
select class_id, count(*) as count from (select e.id, e.class_id from entries e where "e"."email" = $1 and e.replaced_by is null and e.status = $2 limit $3) as counted group by class_id;
select page.value, (select version from registry_state where id = 1) as version, e.id, e.identifier, e.email, e.created, e.replaced_by, d.sha256, d.accepted_at, d.weak, d.metadata, s.signer, s.steps from (select id, value from (select "e"."id", "e"."created" as "value" from "entries" as "e" where "e"."id" < $1 and e.status = $2 and "e"."replaced_by" is null and "e"."email" = $3 order by "e"."created" desc, "e"."id" desc limit $4) as walked) as page join entries e on e.id = page.id join entry_details d on d.id = page.id join signings s on s.id = d.signing_id;
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = $1;

-- history of an image
select "e"."id", "e"."identifier", "e"."email", "e"."created", "e"."replaced_by", "d"."sha256", "d"."accepted_at", "d"."weak", "d"."metadata", "s"."signer", "s"."steps" from "entries" as "e" inner join "entry_details" as "d" on "d"."id" = "e"."id" inner join "signings" as "s" on "s"."id" = "d"."signing_id" where "e"."identifier" = $1 and "e"."email" = $2 order by "e"."created" desc limit $3;

-- titles of images
select "e"."identifier", "d"."metadata" from "entries" as "e" inner join "entry_details" as "d" on "d"."id" = "e"."id" where "e"."identifier" in ($1, $2) and "e"."replaced_by" is null order by "e"."created";

-- by tag
select "e"."id", "e"."identifier", "e"."email", "e"."created", "e"."replaced_by", "d"."sha256", "d"."accepted_at", "d"."weak", "d"."metadata", "s"."signer", "s"."steps" from "entries" as "e" inner join "entry_details" as "d" on "d"."id" = "e"."id" inner join "signings" as "s" on "s"."id" = "d"."signing_id" where "e"."email" = $1 and "e"."tag" = $2 and "e"."replaced_by" is null and "e"."status" != $3 and ("e"."valid_until" is null or "e"."valid_until" > $4) order by "e"."created" desc, "e"."id" desc limit $5;

-- endorsers
select "email", "subject", "issuer", "fingerprint", "entries", "images", "first_created" as "firstCreated", "last_created" as "lastCreated" from "endorsers" where "email" > $1 order by "email" limit $2;
select count(*) as "total" from "endorsers";

-- one endorser
select "email", "subject", "issuer", "fingerprint", "entries", "images", "first_created" as "firstCreated", "last_created" as "lastCreated" from "endorsers" where "email" = $1;
select "tag", "identifier", "created" from "entries" where "email" = $1 and "tag" is not null and "replaced_by" is null and "status" = $2 order by "created" desc limit $3;

-- reindex
begin;
update "registry_state" set "version" = "version" + $1 where "id" = $2 returning "version", "log_size" as "logSize", "swept_at" as "sweptAt";
delete from "log_nodes";
select "leaf" from "log_leaves" where "seq" >= $1 order by "seq" limit $2;
insert into "log_nodes" ("height", "position", "hash") values ($1, $2, $3), ($4, $5, $6), ($7, $8, $9), ($10, $11, $12);
delete from entry_words;
delete from "entry_details";
delete from "entries";
delete from "signings";
delete from "endorsers";
update "entry_classes" set "valid_count" = $1, "expired_count" = $2, "deprecated_count" = $3, "all_count" = $4, "version" = $5;
select * from "documents" where "id" > $1 order by "id" limit $2;
select "id", "facets" as "text" from "entry_classes" where "facets" in ($1);
select "id", "digest" as "text" from "signings" where "digest" in ($1);
with wanted (identifier, email) as (values ($1, $2)) select e.id, e.identifier, e.email, e.class_id, e.status from wanted w cross join entries e where e.identifier = w.identifier and e.email = w.email and e.replaced_by is null;
insert into "signings" ("id", "digest", "signer", "steps") values ($1, $2, $3, $4);
insert into "entries" ("id", "identifier", "email", "created", "status", "replaced_by", "valid_until", "class_id", "tag", "title_key") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10), ($11, $12, $13, $14, $15, $16, $17, $18, $19, $20);
insert into "entry_details" ("id", "sha256", "accepted_at", "weak", "metadata", "signing_id") values ($1, $2, $3, $4, $5, $6), ($7, $8, $9, $10, $11, $12);
insert into entry_words (id, words) select id, array_to_tsvector(string_to_array(words, ' ')) from unnest($1::bigint[], $2::text[]) as w (id, words);
with newer (replaced, id) as (values (cast($1 as bigint), cast($2 as bigint))) update entries set replaced_by = newer.id from newer where entries.id = newer.replaced;
with change (id, valid, expired, deprecated, total) as (values (cast($1 as bigint), cast($2 as bigint), cast($3 as bigint), cast($4 as bigint), cast($5 as bigint))) update entry_classes set version = $6, valid_count = valid_count + change.valid, expired_count = expired_count + change.expired, deprecated_count = deprecated_count + change.deprecated, all_count = all_count + change.total from change where entry_classes.id = change.id;
select * from "endorsers" where "email" in ($1);
insert into "endorsers" ("email", "subject", "issuer", "fingerprint", "first_created", "last_created", "entries", "images") values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict ("email") do update set "subject" = "excluded"."subject", "issuer" = "excluded"."issuer", "fingerprint" = "excluded"."fingerprint", "first_created" = "excluded"."first_created", "last_created" = "excluded"."last_created", "entries" = "excluded"."entries", "images" = "excluded"."images";
commit;

-- next page
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = $1;
select "valid_until" from "entries" where "valid_until" > $1 order by "valid_until" limit $2;
select * from "entry_classes" where "version" > $1;
select id, value from (select "e"."id", "e"."created" as "value" from "entries" as "e" where "e"."id" < $1 and e.status = $2 and "e"."replaced_by" is null and ("e"."created", e.id) < ($3, $4) order by "e"."created" desc, "e"."id" desc limit $5) as walked;
select "id" from "entries" where "replaced_by" >= $1 and "id" < $2 limit $3;
with fitting as materialized (select "e"."id", "e"."created" as "value" from "entries" as "e" where "e"."id" < $1 and e.status = $2 and "e"."replaced_by" >= $3 and ("e"."created", e.id) < ($4, $5)) select id, value from fitting order by value desc, id desc limit $6;
select "e"."id", "e"."identifier", "e"."email", "e"."created", "e"."replaced_by", "d"."sha256", "d"."accepted_at", "d"."weak", "d"."metadata", "s"."signer", "s"."steps" from "entries" as "e" inner join "entry_details" as "d" on "d"."id" = "e"."id" inner join "signings" as "s" on "s"."id" = "d"."signing_id" where "e"."id" in ($1);
select "version", "log_size" as "logSize", "swept_at" as "sweptAt" from "registry_state" where "id" = $1;
