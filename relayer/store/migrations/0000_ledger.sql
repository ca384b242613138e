CREATE TABLE "attempts" (
	"hash" "bytea" PRIMARY KEY NOT NULL,
	"transaction_id" bigint NOT NULL,
	"nonce" bigint NOT NULL,
	"max_fee_per_gas" numeric(78, 0) NOT NULL,
	"max_priority_fee_per_gas" numeric(78, 0) NOT NULL,
	"purpose" text NOT NULL,
	"state" text NOT NULL,
	"raw" "bytea" NOT NULL,
	"signed_at" bigint NOT NULL,
	"sent_at" bigint
);
--> statement-breakpoint
CREATE TABLE "batches" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "batches_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"digest" "bytea" NOT NULL,
	"proved" boolean NOT NULL,
	"key_id" "bytea" NOT NULL,
	"mode" smallint NOT NULL,
	"root" "bytea" NOT NULL,
	"count" integer NOT NULL,
	"data_hash" "bytea" NOT NULL,
	"settler" "bytea" NOT NULL,
	"signature" "bytea" NOT NULL,
	"document" "bytea" NOT NULL,
	"signatures" "bytea" NOT NULL,
	"model_id" "bytea",
	"evidence" "bytea",
	"invalid" integer[],
	"published" boolean DEFAULT false NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"transaction_id" bigint,
	"settled_at" bigint,
	"received_at" bigint NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"due_at" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "receipt_index" (
	"receipt_id" "bytea" NOT NULL,
	"request_id" "bytea" NOT NULL,
	"batch_id" bigint NOT NULL,
	"position" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "seals" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "seals_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"digest" "bytea" NOT NULL,
	"key_id" "bytea" NOT NULL,
	"mode" smallint NOT NULL,
	"root" "bytea" NOT NULL,
	"count" integer NOT NULL,
	"data_hash" "bytea" NOT NULL,
	"settler" "bytea" NOT NULL,
	"state" text NOT NULL,
	"offered_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "singles" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "singles_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"receipt_id" "bytea" NOT NULL,
	"request_id" "bytea" NOT NULL,
	"key_id" "bytea" NOT NULL,
	"mode" smallint NOT NULL,
	"model_id" "bytea" NOT NULL,
	"leaf" "bytea" NOT NULL,
	"signature" "bytea" NOT NULL,
	"evidence" "bytea",
	"seal_id" bigint,
	"batch_id" bigint,
	"alone" boolean DEFAULT false NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"transaction_id" bigint,
	"settled_at" bigint,
	"received_at" bigint NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"due_at" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "transactions" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "transactions_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"chain_id" bigint NOT NULL,
	"sender" "bytea" NOT NULL,
	"nonce" bigint,
	"to" "bytea" NOT NULL,
	"data" "bytea" NOT NULL,
	"gas_limit" numeric(78, 0),
	"state" text NOT NULL,
	"mined_hash" "bytea",
	"mined_block" bigint,
	"mined_block_hash" "bytea",
	"succeeded" boolean,
	"reason" text,
	"created_at" bigint NOT NULL,
	"final_at" bigint
);
--> statement-breakpoint
CREATE INDEX "attempts_transaction" ON "attempts" USING btree ("transaction_id");--> statement-breakpoint
CREATE UNIQUE INDEX "batches_digest" ON "batches" USING btree ("digest");--> statement-breakpoint
CREATE INDEX "batches_work" ON "batches" USING btree ("state","due_at");--> statement-breakpoint
CREATE INDEX "batches_transaction" ON "batches" USING btree ("transaction_id");--> statement-breakpoint
CREATE INDEX "receipt_index_receipt" ON "receipt_index" USING btree ("receipt_id");--> statement-breakpoint
CREATE INDEX "receipt_index_request" ON "receipt_index" USING btree ("request_id");--> statement-breakpoint
CREATE UNIQUE INDEX "seals_digest" ON "seals" USING btree ("digest");--> statement-breakpoint
CREATE INDEX "seals_key" ON "seals" USING btree ("key_id","state");--> statement-breakpoint
CREATE UNIQUE INDEX "singles_receipt" ON "singles" USING btree ("receipt_id");--> statement-breakpoint
CREATE UNIQUE INDEX "singles_request" ON "singles" USING btree ("request_id","key_id");--> statement-breakpoint
CREATE INDEX "singles_work" ON "singles" USING btree ("state","due_at");--> statement-breakpoint
CREATE INDEX "singles_open" ON "singles" USING btree ("key_id","state");--> statement-breakpoint
CREATE INDEX "singles_transaction" ON "singles" USING btree ("transaction_id");--> statement-breakpoint
CREATE INDEX "singles_batch" ON "singles" USING btree ("batch_id");--> statement-breakpoint
CREATE INDEX "transactions_open" ON "transactions" USING btree ("chain_id","sender","state");