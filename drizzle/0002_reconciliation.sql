CREATE TABLE "reconciliation" (
	"id" integer PRIMARY KEY NOT NULL,
	"events_read_until" timestamp with time zone,
	"holder" text,
	"held_until" timestamp with time zone,
	CONSTRAINT "reconciliation_id_check" CHECK ("reconciliation"."id" = 1)
);
--> statement-breakpoint
ALTER TABLE "subscriptions" DROP CONSTRAINT "subscriptions_price_id_check";--> statement-breakpoint
ALTER TABLE "audit_log" DROP CONSTRAINT "audit_log_event_id_stripe_events_id_fk";
--> statement-breakpoint
DROP INDEX "stripe_events_state_index";--> statement-breakpoint
ALTER TABLE "stripe_events" ADD COLUMN "attempted_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "stripe_events" ADD COLUMN "object_id" text;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "service_paused" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "reconciled_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "stripe_events_unfinished_index" ON "stripe_events" USING btree ("attempted_at") WHERE "stripe_events"."state" <> 'done';--> statement-breakpoint
CREATE INDEX "stripe_events_received_at_index" ON "stripe_events" USING btree ("received_at");--> statement-breakpoint
CREATE INDEX "users_reconciled_at_index" ON "users" USING btree ("reconciled_at" NULLS FIRST) WHERE "users"."stripe_customer_id" is not null;