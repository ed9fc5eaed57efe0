"""What a HorizontalPodAutoscaler would have done on recorded metrics: a dry run on history.

``question`` reads the HPA, its pods and the changes to compare; ``recording`` the metrics; ``loop`` replays them, with
the kernels that decide in a simulation; ``measures`` says how well it went; ``study`` puts the parts together.
"""
