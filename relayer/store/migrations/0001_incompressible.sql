-- Hashes and signatures do not compress: trying to costs time at every insert.
ALTER TABLE "batches" ALTER COLUMN "document" SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE "batches" ALTER COLUMN "signatures" SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE "batches" ALTER COLUMN "evidence" SET STORAGE EXTERNAL;
