CREATE SEQUENCE "public"."sync_ticket" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "api_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "api_keys_id_check" CHECK ("api_keys"."id" ~ '^[0-9a-f]{16}$'),
	CONSTRAINT "api_keys_name_check" CHECK (length("api_keys"."name") between 1 and 100)
);
--> statement-breakpoint
CREATE TABLE "audit_log" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_log_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp with time zone NOT NULL,
	"user_id" uuid,
	"action" text NOT NULL,
	"event_id" text,
	"detail" jsonb NOT NULL,
	CONSTRAINT "audit_log_action_check" CHECK ("audit_log"."action" ~ '^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$')
);
--> statement-breakpoint
CREATE TABLE "stripe_events" (
	"id" text PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"api_version" text,
	"created_at" timestamp with time zone NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	"state" text NOT NULL,
	"outcome" text,
	"reason" text,
	"attempts" integer DEFAULT 1 NOT NULL,
	"ticket" bigint NOT NULL,
	"subscription_id" text,
	"last_error" text,
	"duration_ms" integer,
	"finished_at" timestamp with time zone,
	CONSTRAINT "stripe_events_id_check" CHECK ("stripe_events"."id" like 'evt_%'),
	CONSTRAINT "stripe_events_state_check" CHECK ("stripe_events"."state" in ('processing', 'failed', 'done')),
	CONSTRAINT "stripe_events_outcome_check" CHECK ("stripe_events"."outcome" in ('applied', 'ignored', 'stale')),
	CONSTRAINT "stripe_events_done_check" CHECK (("stripe_events"."state" = 'done') = ("stripe_events"."outcome" is not null)),
	CONSTRAINT "stripe_events_attempts_check" CHECK ("stripe_events"."attempts" > 0)
);
--> statement-breakpoint
CREATE TABLE "subscriptions" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"status" text NOT NULL,
	"tier" text NOT NULL,
	"price_id" text NOT NULL,
	"current_period_start" timestamp with time zone NOT NULL,
	"current_period_end" timestamp with time zone NOT NULL,
	"billing_cycle_anchor" timestamp with time zone NOT NULL,
	"cancel_at_period_end" boolean NOT NULL,
	"cancel_at" timestamp with time zone,
	"canceled_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	"trial_end" timestamp with time zone,
	"past_due_since" timestamp with time zone,
	"collection_paused" boolean NOT NULL,
	"ticket" bigint NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"synced_at" timestamp with time zone NOT NULL,
	CONSTRAINT "subscriptions_id_check" CHECK ("subscriptions"."id" like 'sub_%'),
	CONSTRAINT "subscriptions_price_id_check" CHECK ("subscriptions"."price_id" like 'price_%'),
	CONSTRAINT "subscriptions_status_check" CHECK ("subscriptions"."status" in ('incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'unpaid', 'canceled', 'paused')),
	CONSTRAINT "subscriptions_tier_check" CHECK ("subscriptions"."tier" in ('hobby', 'research', 'pro')),
	CONSTRAINT "subscriptions_period_check" CHECK ("subscriptions"."current_period_end" > "subscriptions"."current_period_start"),
	CONSTRAINT "subscriptions_past_due_check" CHECK (("subscriptions"."status" = 'past_due') = ("subscriptions"."past_due_since" is not null)),
	CONSTRAINT "subscriptions_ticket_check" CHECK ("subscriptions"."ticket" > 0)
);
--> statement-breakpoint
CREATE TABLE "usage_leases" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"window_start" timestamp with time zone NOT NULL,
	"api_calls" bigint NOT NULL,
	"reactions" bigint NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "usage_leases_units_check" CHECK ("usage_leases"."api_calls" >= 0 and "usage_leases"."reactions" >= 0)
);
--> statement-breakpoint
CREATE TABLE "usage_windows" (
	"user_id" uuid NOT NULL,
	"window_start" timestamp with time zone NOT NULL,
	"window_end" timestamp with time zone NOT NULL,
	"api_calls" bigint DEFAULT 0 NOT NULL,
	"reactions" bigint DEFAULT 0 NOT NULL,
	"api_calls_quota" bigint NOT NULL,
	"reactions_quota" bigint NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "usage_windows_pkey" PRIMARY KEY("user_id","window_start"),
	CONSTRAINT "usage_windows_order_check" CHECK ("usage_windows"."window_end" > "usage_windows"."window_start"),
	CONSTRAINT "usage_windows_counts_check" CHECK ("usage_windows"."api_calls" >= 0 and "usage_windows"."reactions" >= 0 and "usage_windows"."api_calls_quota" >= 0 and "usage_windows"."reactions_quota" >= 0)
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" uuid PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"password_hash" text NOT NULL,
	"tier" text NOT NULL,
	"stripe_customer_id" text,
	"version" bigint DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	CONSTRAINT "users_email_check" CHECK (length("users"."email") between 3 and 254 and "users"."email" like '%_@_%'),
	CONSTRAINT "users_tier_check" CHECK ("users"."tier" in ('hobby', 'research', 'pro')),
	CONSTRAINT "users_stripe_customer_id_check" CHECK ("users"."stripe_customer_id" like 'cus_%'),
	CONSTRAINT "users_version_check" CHECK ("users"."version" > 0)
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit_log" ADD CONSTRAINT "audit_log_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit_log" ADD CONSTRAINT "audit_log_event_id_stripe_events_id_fk" FOREIGN KEY ("event_id") REFERENCES "public"."stripe_events"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_leases" ADD CONSTRAINT "usage_leases_window_fkey" FOREIGN KEY ("user_id","window_start") REFERENCES "public"."usage_windows"("user_id","window_start") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_windows" ADD CONSTRAINT "usage_windows_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_keys_user_id_index" ON "api_keys" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "audit_log_user_id_index" ON "audit_log" USING btree ("user_id","at");--> statement-breakpoint
CREATE INDEX "audit_log_event_id_index" ON "audit_log" USING btree ("event_id");--> statement-breakpoint
CREATE INDEX "stripe_events_state_index" ON "stripe_events" USING btree ("state","received_at");--> statement-breakpoint
CREATE INDEX "subscriptions_user_id_index" ON "subscriptions" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "usage_leases_window_index" ON "usage_leases" USING btree ("user_id","window_start");--> statement-breakpoint
CREATE INDEX "usage_leases_expires_at_index" ON "usage_leases" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "users_email_key" ON "users" USING btree (lower("email"));--> statement-breakpoint
CREATE UNIQUE INDEX "users_stripe_customer_id_key" ON "users" USING btree ("stripe_customer_id");