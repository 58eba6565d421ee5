"""SageMaker's training and processing jobs; a job runs the image's own code as a process of this machine."""
