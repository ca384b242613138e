-- Siblings in a batch's tree, for openings without hashing it. Batches of before get theirs when one of them is asked for.
ALTER TABLE "batches" ADD COLUMN "paths" "bytea";--> statement-breakpoint
-- Hashes do not compress, and one path is cut out of them.
ALTER TABLE "batches" ALTER COLUMN "paths" SET STORAGE EXTERNAL;
