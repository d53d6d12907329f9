#pragma once

#include "core/transformer/block.h"

namespace beeld {

/// Whether weight decay draws a parameter towards zero: matrices and tables, but no gains and biases.
enum class Decay { no, yes };

// visit_parameters(part, visit) calls visit(tensor, decay) for every parameter of a part, in a fixed order.

template <class T, class Visit>
void visit_parameters(Linear<T>& weights, const Visit& visit) {
  if (!weights.present()) return;
  visit(weights.weight.plain(), Decay::yes);
  if (!weights.bias.empty()) visit(weights.bias, Decay::no);
}

template <class T, class Visit>
void visit_parameters(Norm<T>& weights, const Visit& visit) {
  if (weights.gain.empty()) return;
  visit(weights.gain, Decay::no);
  if (!weights.bias.empty()) visit(weights.bias, Decay::no);
}

template <class T, class Visit>
void visit_parameters(AttentionWeights<T>& weights, const Visit& visit) {
  for (auto* part : {&weights.query, &weights.key_value, &weights.output}) visit_parameters(*part, visit);
  for (auto* part : {&weights.query_norm, &weights.key_norm, &weights.inner_norm})
    visit_parameters(*part, visit);
}

template <class T, class Visit>
void visit_parameters(MlpWeights<T>& weights, const Visit& visit) {
  for (auto* part : {&weights.up, &weights.gate, &weights.down}) visit_parameters(*part, visit);
  visit_parameters(weights.inner_norm, visit);
}

template <class T, class Visit>
void visit_parameters(Transformer<T>& weights, const Visit& visit) {
  for (auto& block : weights.blocks) {
    visit_parameters(block.attention_norm, visit);
    visit_parameters(block.attention, visit);
    if (!block.attention_scale.empty()) visit(block.attention_scale, Decay::no);
    visit_parameters(block.cross_attention_norm, visit);
    visit_parameters(block.cross_attention, visit);
    visit_parameters(block.mlp_norm, visit);
    visit_parameters(block.mlp, visit);
    if (!block.mlp_scale.empty()) visit(block.mlp_scale, Decay::no);
  }
  if (!weights.relative_bias.empty()) visit(weights.relative_bias, Decay::yes);
}

}  // namespace beeld
