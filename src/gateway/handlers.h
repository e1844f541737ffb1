// The handlers of the route table, one coroutine each. `services` and `exchange` outlive the handler.
#pragma once

#include "io/asio.h"

namespace ebb::gateway {

class Exchange;
struct Services;

// openai.cc, openai_models.cc
io::Task<void> chat_completions(Services& services, Exchange& exchange);
io::Task<void> completions(Services& services, Exchange& exchange);
io::Task<void> embeddings(Services& services, Exchange& exchange);
io::Task<void> responses(Services& services, Exchange& exchange);
io::Task<void> no_stored_response(Services& services, Exchange& exchange);
io::Task<void> list_openai_models(Services& services, Exchange& exchange);
io::Task<void> get_openai_model(Services& services, Exchange& exchange);

// oip.cc
io::Task<void> oip_server(Services& services, Exchange& exchange);
io::Task<void> oip_live(Services& services, Exchange& exchange);
io::Task<void> oip_ready(Services& services, Exchange& exchange);
io::Task<void> oip_metadata(Services& services, Exchange& exchange);
io::Task<void> oip_model_ready(Services& services, Exchange& exchange);
io::Task<void> oip_config(Services& services, Exchange& exchange);
io::Task<void> oip_index(Services& services, Exchange& exchange);
io::Task<void> oip_infer(Services& services, Exchange& exchange);
io::Task<void> oip_predict(Services& services, Exchange& exchange);

// classify.cc
io::Task<void> classify(Services& services, Exchange& exchange);

// ollama.cc
io::Task<void> ollama_chat(Services& services, Exchange& exchange);
io::Task<void> ollama_generate(Services& services, Exchange& exchange);
io::Task<void> ollama_embed(Services& services, Exchange& exchange);
io::Task<void> ollama_embeddings(Services& services, Exchange& exchange);
io::Task<void> ollama_tags(Services& services, Exchange& exchange);
io::Task<void> ollama_ps(Services& services, Exchange& exchange);
io::Task<void> ollama_show(Services& services, Exchange& exchange);
io::Task<void> ollama_version(Services& services, Exchange& exchange);

// function.cc
io::Task<void> invoke_function(Services& services, Exchange& exchange);

// admin_endpoints.cc
io::Task<void> get_status(Services& services, Exchange& exchange);
io::Task<void> list_endpoints(Services& services, Exchange& exchange);
io::Task<void> get_endpoint(Services& services, Exchange& exchange);
io::Task<void> put_endpoint(Services& services, Exchange& exchange);
io::Task<void> delete_endpoint(Services& services, Exchange& exchange);
io::Task<void> get_decisions(Services& services, Exchange& exchange);
io::Task<void> show_prompt(Services& services, Exchange& exchange);
io::Task<void> get_logs(Services& services, Exchange& exchange);

// admin_models.cc
io::Task<void> list_models(Services& services, Exchange& exchange);
io::Task<void> get_model(Services& services, Exchange& exchange);
io::Task<void> add_model(Services& services, Exchange& exchange);
io::Task<void> delete_model(Services& services, Exchange& exchange);

// admin_images.cc
io::Task<void> list_images(Services& services, Exchange& exchange);
io::Task<void> get_image(Services& services, Exchange& exchange);
io::Task<void> add_image(Services& services, Exchange& exchange);
io::Task<void> delete_image(Services& services, Exchange& exchange);
io::Task<void> list_registries(Services& services, Exchange& exchange);
io::Task<void> put_registry(Services& services, Exchange& exchange);
io::Task<void> delete_registry(Services& services, Exchange& exchange);

// admin_bill.cc
io::Task<void> get_bill(Services& services, Exchange& exchange);

// admin_invoice.cc
io::Task<void> get_invoice(Services& services, Exchange& exchange);

// admin_usage.cc
io::Task<void> get_call(Services& services, Exchange& exchange);
io::Task<void> get_usage(Services& services, Exchange& exchange);

// admin_accounts.cc
io::Task<void> list_tenants(Services& services, Exchange& exchange);
io::Task<void> put_tenant(Services& services, Exchange& exchange);
io::Task<void> delete_tenant(Services& services, Exchange& exchange);
io::Task<void> list_keys(Services& services, Exchange& exchange);
io::Task<void> create_key(Services& services, Exchange& exchange);
io::Task<void> rotate_key(Services& services, Exchange& exchange);
io::Task<void> revoke_key(Services& services, Exchange& exchange);

// admin_budgets.cc
io::Task<void> list_budgets(Services& services, Exchange& exchange);
io::Task<void> put_budget(Services& services, Exchange& exchange);
io::Task<void> delete_budget(Services& services, Exchange& exchange);

// admin_prices.cc
io::Task<void> list_prices(Services& services, Exchange& exchange);
io::Task<void> add_prices(Services& services, Exchange& exchange);
io::Task<void> delete_prices(Services& services, Exchange& exchange);

// admin_limits.cc
io::Task<void> list_limits(Services& services, Exchange& exchange);
io::Task<void> put_limit(Services& services, Exchange& exchange);
io::Task<void> delete_limit(Services& services, Exchange& exchange);

// admin_audit.cc
io::Task<void> get_audit(Services& services, Exchange& exchange);

// admin_ledger.cc
io::Task<void> get_ledger(Services& services, Exchange& exchange);
io::Task<void> check_ledger(Services& services, Exchange& exchange);
io::Task<void> get_seals(Services& services, Exchange& exchange);

// health.cc
io::Task<void> get_livez(Services& services, Exchange& exchange);
io::Task<void> get_readyz(Services& services, Exchange& exchange);
io::Task<void> get_metrics(Services& services, Exchange& exchange);

}  // namespace ebb::gateway
