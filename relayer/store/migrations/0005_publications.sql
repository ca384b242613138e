CREATE TABLE "publications" (
	"batch_id" bigint NOT NULL,
	"store" text NOT NULL,
	"state" text NOT NULL,
	"locator" text,
	"published_at" bigint,
	"expires_at" bigint,
	"checked_at" bigint,
	"reason" text,
	"tries" integer DEFAULT 0 NOT NULL,
	"due_at" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "publications_batch_id_store_pk" PRIMARY KEY("batch_id","store")
);
--> statement-breakpoint
CREATE INDEX "publications_expiry" ON "publications" USING btree ("store","expires_at");--> statement-breakpoint
CREATE INDEX "publications_checked" ON "publications" USING btree ("store","checked_at");--> statement-breakpoint
CREATE INDEX "publications_state" ON "publications" USING btree ("store","state");--> statement-breakpoint
CREATE INDEX "batches_data_hash" ON "batches" USING btree ("data_hash");--> statement-breakpoint
-- What was published before there was this table went to files.
INSERT INTO "publications" ("batch_id", "store", "state", "published_at", "checked_at")
SELECT "id", 'files', 'published', "received_at", "received_at" FROM "batches" WHERE "published";
