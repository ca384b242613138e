CREATE TABLE "payments" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "payments_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"chain_id" bigint NOT NULL,
	"token" "bytea" NOT NULL,
	"payer" "bytea" NOT NULL,
	"nonce" "bytea" NOT NULL,
	"request_id" "bytea" NOT NULL,
	"pay_to" "bytea" NOT NULL,
	"amount" numeric(78, 0) NOT NULL,
	"digest" "bytea" NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"transaction_id" bigint,
	"mined_hash" "bytea",
	"received_at" bigint NOT NULL,
	"answered_at" bigint
);
--> statement-breakpoint
CREATE UNIQUE INDEX "payments_authorization" ON "payments" USING btree ("chain_id","token","payer","nonce");--> statement-breakpoint
CREATE UNIQUE INDEX "payments_request" ON "payments" USING btree ("request_id");--> statement-breakpoint
CREATE INDEX "payments_transaction" ON "payments" USING btree ("transaction_id");