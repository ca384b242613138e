CREATE TABLE "gateway_answers" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "gateway_answers_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"request_id" "bytea" NOT NULL,
	"key_id" "bytea" NOT NULL,
	"request_hash" "bytea" NOT NULL,
	"output_hash" "bytea" NOT NULL,
	"timestamp" bigint NOT NULL,
	"signature" "bytea" NOT NULL,
	"individual" boolean NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"transaction_id" bigint,
	"settled_at" bigint,
	"received_at" bigint NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"due_at" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gateway_cursors" (
	"place" "bytea" PRIMARY KEY NOT NULL,
	"next_block" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gateway_heartbeats" (
	"key_id" "bytea" PRIMARY KEY NOT NULL,
	"tee_id" "bytea" NOT NULL,
	"timestamp" bigint NOT NULL,
	"signature" "bytea" NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"transaction_id" bigint,
	"received_at" bigint NOT NULL,
	"carried_at" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gateway_keys" (
	"tee_id" "bytea" PRIMARY KEY NOT NULL,
	"key_id" "bytea" NOT NULL,
	"public_key" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "gateway_answers_request" ON "gateway_answers" USING btree ("request_id");--> statement-breakpoint
CREATE INDEX "gateway_answers_work" ON "gateway_answers" USING btree ("state","due_at");--> statement-breakpoint
CREATE INDEX "gateway_answers_transaction" ON "gateway_answers" USING btree ("transaction_id");--> statement-breakpoint
CREATE INDEX "gateway_heartbeats_work" ON "gateway_heartbeats" USING btree ("state","carried_at");--> statement-breakpoint
CREATE INDEX "gateway_heartbeats_transaction" ON "gateway_heartbeats" USING btree ("transaction_id");
